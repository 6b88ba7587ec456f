#include "inspect/inspector.h"
