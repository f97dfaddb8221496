"""What REST answers stand on: work beside the loop, kept answers, jobs, uploads, layouts, one shape of errors."""
