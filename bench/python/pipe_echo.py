"""A raw pipe echo: what a hop over standard input and output costs at the least.

Writes each line back as it is.
"""

import sys


def main():
    for line in sys.stdin.buffer:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


main()
