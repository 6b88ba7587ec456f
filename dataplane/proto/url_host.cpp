#include "proto/url.h"
