"""The web face: pages for people, the action API for platforms, the block-list feed for firewalls and resolvers."""
