"""What every connector to Splunk shares: the account, one call to splunkd, and one search job from create to delete."""
