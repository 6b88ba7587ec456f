#include "match/lookup.h"
