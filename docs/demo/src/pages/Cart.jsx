import { Picture } from '../art.jsx';
import { go, Link } from '../route.jsx';
import { money, priceOf, useShop } from '../shop.jsx';

export const Cart = () => {
  const { lines, total, setQuantity } = useShop();
  if (!lines.length)
    return <p className="notice">Your cart is empty. <Link to="/">To the shop</Link></p>;
  return (
    <div className="cart">
      <h1>Cart</h1>
      <ul className="lines">
        {lines.map(({ product, quantity }) => (
          <li key={product.productId}>
            <Picture product={product} />
            <div>
              <Link to={`/product/${product.productId}`}>{product.name}</Link>
              <span className="maker">{money(priceOf(product))} each</span>
              <span className="stepper">
                <button aria-label={`One ${product.name} less`} onClick={() => setQuantity(product.productId, quantity - 1)}>−</button>
                <span>{quantity}</span>
                <button aria-label={`One ${product.name} more`} onClick={() => setQuantity(product.productId, quantity + 1)}>+</button>
              </span>
            </div>
            <strong>{money(priceOf(product) * quantity)}</strong>
          </li>
        ))}
      </ul>
      <p className="total"><span>Total</span> <strong>{money(total)}</strong></p>
      <button className="main wide" onClick={() => go('/checkout')}>Go to checkout</button>
    </div>
  );
};
