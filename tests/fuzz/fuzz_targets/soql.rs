#![no_main]

fuzz::target!(hostile::targets::soql);
