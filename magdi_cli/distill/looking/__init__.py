"""What can be seen before anything is trained: the dry run and the gradient check."""
