#include "match/snapshot_view.h"
