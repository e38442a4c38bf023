"""What functions accept: arrays, pictures, regions, tensors, models; each refusal says a fix."""
