#include "proto/packet_view.h"
