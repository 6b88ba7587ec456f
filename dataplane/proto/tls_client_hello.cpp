#include "proto/tls_client_hello.h"
