# What both builds are made of: the one for devices (here) and the one for the CPU (tests/cuda).
set(UTC_SOURCES api.cu fingerprint.cu forward.cu model.cu program.cu weights.cu weights_mma.cu)
