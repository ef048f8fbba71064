//! What the shop sells: each line of `products.txt` in all colours and sizes.

/// One product a line: its article, its name and its price in cents, separated by semicolons.
const PRODUCTS: &str = include_str!("products.txt");
const COLOURS: &str = "white cream ivory black grey brown copper sand blue navy turquoise green olive mint yellow orange \
                       red pink violet plum";
/// With what each adds to the price, in per cent.
const SIZES: [(&str, u64); 4] = [("small", 0), ("medium", 20), ("large", 45), ("extra large", 80)];

pub(crate) struct Product {
    pub(crate) sku: String,
    pub(crate) name: String,
    pub(crate) cents: u64,
}

pub(crate) fn products() -> Vec<Product> {
    let mut products = Vec::new();
    for (number, line) in PRODUCTS.lines().enumerate() {
        let mut fields = line.split(';');
        let (Some(article), Some(name), Some(cents)) = (fields.next(), fields.next(), fields.next()) else { continue };
        let base: u64 = cents.parse().unwrap_or(0);
        for colour in COLOURS.split(' ') {
            for (size, extra) in SIZES {
                products.push(Product {
                    sku: format!("{article}-{:02}-{}-{}", number + 1, colour.to_uppercase(), initials(size)),
                    name: format!("{name}, {colour}, {size}"),
                    cents: base + base * extra / 100,
                });
            }
        }
    }
    products
}

/// `XL` for `extra large`: the way that sizes are written.
fn initials(size: &str) -> String {
    let initials = size.split(' ').filter_map(|word| word.chars().next());
    initials.map(|c| if c == 'e' { 'X' } else { c.to_ascii_uppercase() }).collect()
}
