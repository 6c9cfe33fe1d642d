"""What every product on one Sumo Logic account shares: which host it lives on, and how a call to it is made."""
