#include "proto/tcp_reply.h"
