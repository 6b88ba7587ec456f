#include "match/plain_list.h"
