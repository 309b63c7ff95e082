"""An evaluation of recall with conversations of our own making: `make bench-recall`, docs/recall.md."""
