"""What can be read out of preserved files afterwards: text. None of it can fail an accession."""
