"""Cases: one host each, with what was judged, what is proposed and the ticket that would be opened."""
