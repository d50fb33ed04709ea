#![no_main]

fuzz::target!(hostile::targets::query_filter);
