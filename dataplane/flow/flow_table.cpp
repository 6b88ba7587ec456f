#include "flow/flow_table.h"
