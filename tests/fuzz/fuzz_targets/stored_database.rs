#![no_main]

fuzz::target!(hostile::targets::stored_database);
