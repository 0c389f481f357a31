"""What the integration tests stand on.

standin   a strict CloudWatch Logs, of our own
faults    what can go wrong on the way to it, as data
journal   what it was asked
service   its rules, without a network
client    boto3 against it
daemons   the real programs, started in a folder of their own
bulk      large spools, quickly
clock     a wall clock of a daemon's own
meter     what a process uses
spool     an independent reader of the spool
http      raw HTTP, for what a polite client would never send
ask       events and receipts: what the tests of ingest's HTTP side share
malformed requests that are no HTTP/1.1, or too much of it
packing   how few calls a list of events can be sent in
"""
