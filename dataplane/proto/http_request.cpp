#include "proto/http_request.h"
