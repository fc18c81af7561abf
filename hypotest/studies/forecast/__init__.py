"""What the runs of a protocol will take, before any of them."""
