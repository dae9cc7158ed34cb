#!/bin/sh
# Starts ComfyUI with the arguments of the container. Models, output, settings and custom nodes that
# are installed later are in /data.
set -eu

# Where the container toolkit has mounted the driver: Triton links with it.
for folder in /usr/lib/x86_64-linux-gnu /usr/lib64; do
  if [ -e "$folder/libcuda.so.1" ]; then export TRITON_LIBCUDA_PATH="$folder"; fi
done

exec /opt/python/bin/python3 /opt/comfyui/main.py --base-directory /data "$@"
