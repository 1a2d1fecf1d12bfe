"""What hypothesis makes for the differential test: worlds of rows, and operations over them."""
