#include "match/fingerprint.h"
