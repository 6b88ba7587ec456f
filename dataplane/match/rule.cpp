#include "match/rule.h"
