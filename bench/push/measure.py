"""Runs a command and writes what it took to a file: measure.py FILE COMMAND…

CPU time and peak memory are those of the command and of every process that it waited for; the peak is
the largest single process's. The command's exit code is passed on.
"""

import json
import os
import sys
import time

result, command = sys.argv[1], sys.argv[2:]
begin = time.monotonic()
child = os.spawnvp(os.P_NOWAIT, command[0], command)
_, status, usage = os.wait4(child, 0)
seconds = time.monotonic() - begin
with open(result, "w") as file:
    cpu = usage.ru_utime + usage.ru_stime
    peak = usage.ru_maxrss * 1024
    times = {"seconds": seconds, "cpuSeconds": cpu, "systemSeconds": usage.ru_stime}
    json.dump({**times, "peakBytes": peak}, file)
sys.exit(os.waitstatus_to_exitcode(status))
