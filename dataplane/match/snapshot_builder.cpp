#include "match/snapshot_builder.h"
