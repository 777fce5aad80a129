"""What replicates allow one to say: intervals, boundaries, level sets, regimes."""
