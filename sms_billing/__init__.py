"""The money of short messages: pure sums in integer li (0.001 yuan), without any I/O."""
