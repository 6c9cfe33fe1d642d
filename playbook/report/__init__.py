"""What a person reads: the terminal table, the HTML case report and the JSON document of one run."""
