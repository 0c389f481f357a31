import { Picture } from '../art.jsx';
import { Notice } from '../Notice.jsx';
import { go, Link } from '../route.jsx';
import { money, priceOf, useShop } from '../shop.jsx';

const Step = ({ product: { productId, name }, quantity, by, word, children }) => {
  const { setQuantity } = useShop();
  const step = () => setQuantity(productId, quantity + by);
  return <button aria-label={`One ${name} ${word}`} onClick={step}>{children}</button>;
};

export const Cart = () => {
  const { lines, total } = useShop();
  if (!lines.length)
    return <Notice>Your cart is empty.</Notice>;
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
                <Step {...{ product, quantity }} by={-1} word="less">−</Step>
                <span>{quantity}</span>
                <Step {...{ product, quantity }} by={1} word="more">+</Step>
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
