#include "inspect/answer.h"
