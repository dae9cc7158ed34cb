#!/bin/sh
# Installs ComfyUI and PyTorch into /data where that has not been done, then starts ComfyUI.
set -eu
cd /data

if [ ! -e installed ]; then
  echo 'First start: this downloads PyTorch and CUDA, some 5 GB.' >&2
  [ -e ComfyUI ] || git clone --depth 1 --branch "$COMFYUI_REF" "$COMFYUI_REPOSITORY" ComfyUI
  [ -e venv/bin/python ] || python3 -m venv venv
  venv/bin/python -m pip install --index-url "$TORCH_INDEX" torch torchvision torchaudio
  venv/bin/python -m pip install -r ComfyUI/requirements.txt
  touch installed
fi

exec venv/bin/python ComfyUI/main.py "$@"
