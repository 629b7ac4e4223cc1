mod attacks;
mod case;
mod determined;
mod frozen;
mod graphs;
mod linear;
mod operators;
mod structure;
