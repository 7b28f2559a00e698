"""档案包: everything valuable of an archived order in one signed manifest, to be taken out and brought back
(第十二条(九), F12.9-1)."""
