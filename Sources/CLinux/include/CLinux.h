#pragma once

#include "attack.h"
#include "find.h"
#include "lookup.h"
#include "memory.h"
#include "process.h"
#include "sandbox.h"
#include "tcp.h"
#include "unixsocket.h"
