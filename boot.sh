#! /bin/sh
# Makes ./configure and what it needs.  Run this in a checkout from Git.
cd "$(dirname "$0")" && exec autoreconf --install --force
