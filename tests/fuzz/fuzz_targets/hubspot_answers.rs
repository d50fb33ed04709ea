#![no_main]

fuzz::target!(hostile::targets::hubspot_answers);
