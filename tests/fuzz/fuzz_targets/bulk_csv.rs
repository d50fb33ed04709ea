#![no_main]

fuzz::target!(hostile::targets::bulk_csv);
