"""Who knows more about an observable: one product or kind of file a file or folder."""
