import { Link } from './route.jsx';

/** All that a page has to say, and a way on. */
export const Notice = ({ children, to = '/', link = 'To the shop' }) => (
  <p className="notice">{children} <Link to={to}>{link}</Link></p>
);
