"""Generated pictures: GANs, style transfer, and what can be measured of them."""
