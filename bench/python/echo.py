"""A raw socket echo: what a hop to Python and back costs at the least.

Reads frames (four bytes of length, then that many bytes) from the socket that is its standard
input, and writes each back as it is.
"""

import os
import socket


def main():
    channel = socket.socket(fileno=os.dup(0))
    while True:
        head = channel.recv(4, socket.MSG_WAITALL)
        if len(head) < 4:
            return
        body = channel.recv(int.from_bytes(head, "big"), socket.MSG_WAITALL)
        channel.sendall(head + body)


main()
