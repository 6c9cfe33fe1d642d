"""Detections that somebody else raised: read from any sender's body, made durable, then judged like our own.

``senders`` finds the rows in a body, ``fields`` names their columns, ``entries`` checks them, ``rescoring`` makes a
detection of them, ``road`` judges it, ``work`` files it. What only an alert says was written by its sender: a hint.
"""
