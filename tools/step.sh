#!/bin/sh
# sh tools/step.sh "what it is" COMMAND...: say what runs, run it, say how long it took; pass its exit code on.
name=$1
shift
echo "==> $name"
begun=$(date +%s)
"$@"
code=$?
if [ $code -eq 0 ]; then
    echo "    $name: $(($(date +%s) - begun)) s"
else
    echo "==> FAILED: $name (exit code $code)" >&2
fi
exit $code
