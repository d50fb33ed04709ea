#![no_main]

fuzz::target!(hostile::targets::export_csv);
