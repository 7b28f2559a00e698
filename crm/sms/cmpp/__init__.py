"""China Mobile Peer to Peer (CMPP) 2.0 and 3.0: the short-message protocol of Chinese operators."""
