//! What a statement says of who sends it to whom. It is set by its user and read by nobody else.

/// The head of a statement. What is not set is left out; texts may have several lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Who sends it: name, then address.
    pub issuer: Option<String>,
    /// The issuer's number for taxes.
    pub tax_id: Option<String>,
    /// To whom it goes: name, then address.
    pub customer: Option<String>,
    /// The customer's number of the order.
    pub purchase_order: Option<String>,
    /// When and how it is paid.
    pub payment_terms: Option<String>,
}
